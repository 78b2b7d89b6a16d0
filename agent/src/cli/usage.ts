// What the program answers to `--help` and to a command it does not know. Printed by main.ts.
export const usage = `opsconductor-agent <command>

  enroll --join TOKEN --server HOST[:3444]   make this host an agent of a cluster; TOKEN - reads it from stdin
         [--name NAME] [--force]             --force: even though it is enrolled already
  run                                        stay connected and do the work that is offered
         [--join TOKEN --server HOST[:3444]] enrol first when this host is not enrolled yet
         [--dial HOST:PORT]                  instead of the address that was told at the enrolment
         [--policy FILE]                     instead of /etc/opsconductor/policy.yaml
  status [--json]                            what the running agent says of itself
  exec FILE [--input NAME=VALUE]…            run a job's document here, without a controller
         [--policy FILE]
  audit [--json]                             what this host keeps of the controller's audit log
  fingerprint                                this host's key, as the console shows it
  version

  --state-dir DIR   where the agent keeps its identity and journal
                    (/var/lib/opsconductor-agent; without root ~/.local/state/opsconductor-agent)
`;
