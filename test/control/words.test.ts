import { describe, expect, test } from "bun:test";
import { replySchema } from "../../src/control/words.ts";

// The replies of INTEROP.md 2.4 that this version gives, letter by letter.
const replies = [
  '{"Success":"Rule 18302982b59d5f86 added"}',
  '{"Error":"Rule abc not found"}',
  '{"Rules":[{"rule_id":"18302982b59d5f86","name":"feed-a","input_interface":"eth0","input_group":"239.1.1.1","input_port":5000,"input_protocol":17,"outputs":[{"group":"239.2.2.2","port":5001,"interface":"eth1"}],"source":"Dynamic"}]}',
  '{"Stats":[{"input_group":"239.1.1.1","input_port":5000,"input_protocol":17,"packets_relayed":10,"bytes_relayed":14000,"packets_per_second":1.5,"bits_per_second":16800}]}',
  '{"Workers":[{"pid":4242,"worker_type":"DataPlane","core_id":0,"interface":"eth0","status":"Running"}]}',
  '{"Workers":[{"pid":0,"worker_type":"DataPlane","core_id":0,"interface":"eth0","status":{"Restarting":{"backoff_ms":250}}}]}',
  '{"LogLevels":{"global":"Info","facility_overrides":{"Ingress":"Debug"}}}',
  '{"Version":{"protocol_version":1}}',
];

describe("a reply", () => {
  for (const reply of replies) {
    test(`${reply.slice(0, 50)} survives the schema unchanged`, () => {
      expect(JSON.stringify(replySchema.parse(JSON.parse(reply)))).toBe(reply);
    });
  }

  test("keeps fields of ours and of later versions", () => {
    const reply = JSON.parse(replies[2] ?? "");
    Object.assign(reply.Rules[0], { state: "pending", reason: "no interface eth0", later: { x: 1 } });
    Object.assign(reply.Rules[0].outputs[0], { effective_ttl: 1, pending: "no address" });
    expect(replySchema.parse(reply)).toEqual(reply);
  });

  for (const wrong of [
    '"Success"',
    '{"Success":5}',
    '{"Success":"a","Error":"b"}',
    "{}",
    "null",
    '{"Rules":{}}',
    '{"Workers":[{"pid":-1}]}',
  ]) {
    test(`${wrong} is none`, () => expect(replySchema.safeParse(JSON.parse(wrong)).success).toBe(false));
  }
});
