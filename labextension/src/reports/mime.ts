/* The renderer of application/vnd.mlgov.report+json. */
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import { drawReport } from './draw';

export const MIME_TYPE = 'application/vnd.mlgov.report+json';

class ReportRenderer extends Widget implements IRenderMime.IRenderer {
  constructor(private _options: IRenderMime.IRendererOptions) {
    super();
    this.addClass('jp-mlgov-report');
    this.node.dataset.mlgovRenderer = 'mime';
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const translator = (this._options.translator ??
      nullTranslator) as ITranslator;
    const trans = translator.load('jupyter_mlgov');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Governance report'));
    const data = model.data[this._options.mimeType];
    // eslint-disable-next-line jupyter/no-dynamic-translation -- draw.ts holds the literals and knows no JupyterLab
    drawReport(this.node, data, (text, ...values) => trans.__(text, ...values));
  }
}

const extension: IRenderMime.IExtension = {
  id: 'jupyter-mlgov:mime',
  description: 'Draws governance reports.',
  rendererFactory: {
    safe: true,
    mimeTypes: [MIME_TYPE],
    createRenderer: options => new ReportRenderer(options)
  },
  // Below the HTML renderer's 50: this one wins over the text/html beside it.
  rank: 10,
  dataType: 'json'
};

export default extension;
