import { methodRequirements } from "@opsconductor/contract/permissions";
import { AgentServiceService, EnrollmentServiceService } from "@opsconductor/proto/opsconductor/agent/v1/agent";
import { expect, test } from "vitest";

test("every gRPC method has its requirement, and every requirement its method", () => {
  const methods = [AgentServiceService, EnrollmentServiceService].flatMap((s) => Object.values(s).map((m) => m.path));
  expect(Object.keys(methodRequirements).sort()).toEqual(methods.sort());
});
