// One request over a real socket, for tests of what only a running server shows.
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { Agent, request as httpsRequest } from "node:https";

export interface Got {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}
export function get(
  url: string,
  options: { headers?: Record<string, string>; ca?: string; servername?: string; method?: string } = {},
  body?: Buffer,
) {
  const request = url.startsWith("https:") ? httpsRequest : httpRequest;
  const agent = options.ca ? new Agent({ ca: options.ca }) : false;
  return new Promise<Got>((resolve, reject) => {
    const sent = request(url, { ...options, agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode!, headers: response.headers, text });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
