import { LabIcon } from '@jupyterlab/ui-components';
import shield from '../../style/mlgov.svg';

export const shieldIcon = new LabIcon({ name: 'mlgov:shield', svgstr: shield });
