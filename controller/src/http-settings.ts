// The part of the configuration about who may call the HTTP port, and how often. Used by config.ts.
import { isIP } from "node:net";
import { z } from "zod";
import { setting } from "./setting.ts";

const list = (text: string) =>
  text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
const isOrigin = (text: string) => URL.canParse(text) && /^https?:/.test(text) && new URL(text).origin === text;

/** `readonly` keeps one array a configuration: what is made of it is kept by it. */
const trustProxy = z.string().transform((text, ctx): boolean | readonly string[] => {
  if (/^(0|1|true|false)$/.test(text)) return text === "1" || text === "true";
  const proxies = list(text);
  const wrong = proxies.find((entry) => !isNetwork(entry));
  if (proxies.length > 0 && wrong === undefined) return proxies;
  ctx.addIssue({
    code: "custom",
    message: `must be 0, 1, or addresses and networks like 10.0.0.7,192.168.4.0/24${wrong ? `; ${wrong} is none` : ""}`,
  });
  return z.NEVER;
});

const originList = z.string().transform((text, ctx): readonly string[] => {
  const wrong = list(text).find((entry) => !isOrigin(entry));
  if (wrong === undefined) return list(text);
  ctx.addIssue({ code: "custom", message: `must be origins like https://portal.example.org; ${wrong} is none` });
  return z.NEVER;
});

const hostList = z.string().transform((text, ctx): readonly string[] => {
  const wrong = list(text).find((entry) => !/^[A-Za-z0-9._-]+$/.test(entry) || !URL.canParse(`http://${entry}`));
  if (wrong === undefined) return list(text);
  ctx.addIssue({ code: "custom", message: `must be host names like ops.example.org, without ports; ${wrong} is none` });
  return z.NEVER;
});

function isNetwork(text: string): boolean {
  const [address = "", bits, more] = text.split("/");
  const family = isIP(address);
  const most = family === 6 ? 128 : 32;
  return family !== 0 && more === undefined && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most));
}

export const httpSettings = {
  trustProxy: setting(
    trustProxy.prefault("0"),
    "TRUST_PROXY",
    "1: only a reverse proxy can reach OC_HTTP_ADDR. X-Forwarded-For is believed, and plain HTTP is spoken to the proxy. " +
      "Or the proxies themselves, as addresses and networks separated by commas (10.0.0.7,192.168.4.0/24): then " +
      "X-Forwarded-For is believed from them alone, and others are refused.",
  ),
  httpHosts: setting(
    hostList.prefault(""),
    "OC_HTTP_HOSTS",
    "Further names, besides localhost and the host of OC_PUBLIC_URL, under which the console may be asked while OC_HTTP_ADDR " +
      "is loopback, separated by commas. Others are refused with 421, so that no page elsewhere can give this machine a " +
      "name of its own.",
  ),
  corsOrigins: setting(
    originList.prefault(""),
    "OC_CORS_ORIGINS",
    "Origins of pages elsewhere that may call the API with a token, separated by commas, for example " +
      "https://portal.example.org. None when not set.",
  ),
  rateLimit: setting(
    z
      .string()
      .regex(/^\d{1,6}$/, "must be a whole number of requests a second, or 0 for no limit")
      .transform(Number)
      .prefault("1000"),
    "OC_RATE_LIMIT",
    "Requests a second that one account may send for long, and twice as many at once. 0: accounts have no limit. What is " +
      "asked without an account has limits of its own.",
  ),
};
