// `uses: template`: a file from a text with places for values.
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import { renderTemplate, TemplateError } from "@opsconductor/contract/job/actions/render-template";
import { type Action, ActionFailed } from "./action.ts";
import { planFile } from "./support/plan-file.ts";

export const template: Action<ActionParameters<"template">> = async ({ template, values, diff, ...wish }, context) =>
  planFile({ ...wish, content: Buffer.from(render(template, values)), showDiff: diff }, context);

function render(source: string, values: Record<string, unknown>): string {
  try {
    return renderTemplate(source, values);
  } catch (error) {
    if (error instanceof TemplateError) throw new ActionFailed(`the template: ${error.message}`, { cause: error });
    throw error;
  }
}
