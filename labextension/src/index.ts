import audit from './audit/plugin';
import lineage from './lineage/plugin';
import monitoring from './monitoring/plugin';
import panel from './panel/plugin';
import promotion from './promotion/plugin';
import settings from './settings/plugin';
import state from './state/plugin';
import status from './status/plugin';
import tagging from './tagging/plugin';
import validation from './validation/plugin';

export default [
  settings,
  state,
  panel,
  lineage,
  tagging,
  validation,
  promotion,
  audit,
  monitoring,
  status
];
