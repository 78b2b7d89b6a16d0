// Node with nothing but an open gRPC stream: the floor of an agent's memory. Started by agent.ts with the address of a
// server as its argument; says `connected` and stays. Plain JavaScript:
// what Node loads to strip types takes 15 MB.
import { credentials, makeGenericClientConstructor } from "@grpc/grpc-js";

const bytes = (value) => value;
const Echo = makeGenericClientConstructor({}, "Echo");
const client = new Echo(process.argv[2], credentials.createInsecure());
const call = client.makeBidiStreamRequest("/bench.Echo/Stream", bytes, bytes);
call.on("error", () => process.exit());
call.once("data", () => process.stdout.write("connected\n"));
call.write(Buffer.from("hello"));
