// One unary call as a promise with a deadline. Used by enrolment, reauthentication and renewal.
import { type CallOptions, Metadata, type ServiceError } from "@grpc/grpc-js";

type Method<Req, Res> = (
  request: Req,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Res) => void,
) => unknown;

/** `method` must be bound to its client. Rejects with gRPC's ServiceError. */
export function unary<Req, Res>(method: Method<Req, Res>, request: Req, withinMs: number): Promise<Res> {
  return new Promise((resolve, reject) => {
    method(request, new Metadata(), { deadline: Date.now() + withinMs }, (error, response) => {
      if (error) reject(error);
      else resolve(response);
    });
  });
}
