// Starting points for a new job: complete, valid, and worth running as they are.

export interface JobTemplate {
  id: "command" | "report" | "checks";
  text: string;
}

const command = `apiVersion: opsconductor/v1
kind: Job
name: my-command
description: One command on every chosen target
steps:
  - id: command
    name: Say where we are
    run: |
      echo "This is $(hostname), $(uname -sr)"
`;

const report = `apiVersion: opsconductor/v1
kind: Job
name: my-report
description: A report that takes an input
inputs:
  lines: { type: integer, default: 5, minimum: 1, maximum: 50, description: How many processes to list }
targets:
  select: os=linux
steps:
  - id: memory
    name: Memory
    run: grep -E '^(MemTotal|MemAvailable|SwapTotal|SwapFree)' /proc/meminfo
  - id: processes
    name: Largest processes
    run: ps -eo rss,pid,comm --sort=-rss | head -n "$((INPUT_LINES + 1))"
    timeout: 1m
`;

const checks = `apiVersion: opsconductor/v1
kind: Job
name: my-check
description: Measures something, then decides
inputs:
  limit: { type: integer, default: 90, minimum: 1, maximum: 100, description: Most percent of the root disk in use }
steps:
  - id: measure
    name: Measure the root disk
    run: |
      used=$(df -P / | awk 'NR==2 { sub("%", "", $5); print $5 }')
      echo "The root disk is $used% full"
      echo "used=$used" >> "$OC_OUTPUT"
  - id: decide
    name: Within the limit?
    run: |
      [ "$USED" -le "$INPUT_LIMIT" ] || { echo "More than $INPUT_LIMIT% in use"; exit 1; }
    env:
      USED: \${{ steps.measure.outputs.used }}
`;

export const jobTemplates: readonly JobTemplate[] = [
  { id: "command", text: command },
  { id: "report", text: report },
  { id: "checks", text: checks },
];
