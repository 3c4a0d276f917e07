// A shop's first day with the API. It stands only if the contract's types are what its author meant.
import createClient from "openapi-fetch";
import type { components, paths } from "./kopilka.js";

declare const process: { argv: string[] };

const [, , address = "", key = ""] = process.argv;
const api = createClient<paths>({
  baseUrl: address,
  headers: { Authorization: `Bearer ${key}` },
});

function keyed(name: string) {
  return { header: { "Idempotency-Key": name } };
}

const { data: member } = await api.POST("/api/v1/members", {
  params: keyed("member-c-1001"),
  body: { programme: "demo", name: "Anna", external_id: "c-1001" },
});
if (!member) throw new Error("no member");

const { data: posting } = await api.POST("/api/v1/accruals", {
  params: keyed("receipt-1001"),
  body: { member: member.id, points: 100, receipt: "1001" },
});

const { data: statement } = await api.GET("/api/v1/members/{member_id}/postings", {
  params: { path: { member_id: member.id } },
});
const lines = (statement?.items ?? []).map((line) => [line.points, line.receipt]);

const { error, response } = await api.POST("/api/v1/redemptions", {
  params: keyed("receipt-1002"),
  body: { member: member.id, points: 900 },
});
// @ts-expect-error: the contract has points as a whole number.
const wrong: components["schemas"]["AccrualIn"] = { member: member.id, points: "100" };
void wrong;
const problem: components["schemas"]["Problem"] | undefined = error;

console.log(
  JSON.stringify({
    available: posting?.balance.available,
    lines,
    refused: [response.status, problem?.code, problem?.["available"]],
  }),
);
