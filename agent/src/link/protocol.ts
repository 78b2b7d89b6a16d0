// The versions this agent speaks; raised with agent.proto and with the job format.
export const protocolVersion = 1;
export const formatVersion = 1;
