// Every bound of the program, and the relations between them, asserted when this file loads. The bounds themselves, with their reasons,
// are in limits/, by what they are for; the program reads them from here.
import { assert } from "./base/assert.ts";
import { controlLimits } from "./limits/control.ts";
import { logLimits } from "./limits/log.ts";
import { pathLimits } from "./limits/path.ts";
import { ruleLimits } from "./limits/rules.ts";
import { successionLimits } from "./limits/succession.ts";
import { trafficLimits } from "./limits/traffic.ts";
import { watchLimits } from "./limits/watch.ts";
import { workerLimits } from "./limits/workers.ts";

const parts = [
  ruleLimits,
  controlLimits,
  workerLimits,
  successionLimits,
  watchLimits,
  logLimits,
  pathLimits,
  trafficLimits,
];

export const limits = {
  ...ruleLimits,
  ...controlLimits,
  ...workerLimits,
  ...successionLimits,
  ...watchLimits,
  ...logLimits,
  ...pathLimits,
  ...trafficLimits,
} as const;

assert(
  Object.keys(limits).length === parts.reduce((sum, part) => sum + Object.keys(part).length, 0),
  "no bound stands in two files",
);
assert(limits.trafficSliceMs <= limits.trafficSliceMaxMs, "a slice of traffic ends while a person waits for Ctrl-C");
assert(limits.workersDefaultMax <= limits.workersMax, "the default number of workers is within the limit");
assert(limits.captureRingSize / limits.captureSlotSizeMin <= limits.captureSlotsMax, "a ring's slots can be numbered");
assert(limits.captureLinksMax + 2 <= limits.regionsMax, "every ring and the pool have a region");
assert(limits.sendsMax * 2 <= limits.ringEntries, "sends leave room in the ring for polls");
assert(
  limits.heartbeatPeriodMs + limits.heartbeatWaitMs + 2 * limits.heartbeatLookMs + limits.killWaitMs <
    limits.heartbeatFreshMs,
  "a worker that is stuck is replaced before the service manager could notice",
);
assert(limits.heartbeatWaitMs * 1_000 > limits.turnWaitUs, "a heartbeat outwaits the longest wait of a loop");
assert(limits.workerDrainWaitMs < limits.workerEndWaitMs, "a worker may drain before it is killed");
assert(limits.clientCloseWaitMs < limits.workerEndWaitMs, "the end waits longer for workers than for clients");
assert(limits.commandPlainSizeMax <= limits.commandSizeMax, "a plain command is no larger than any");
assert(limits.commandSizeMax <= limits.orderSizeMax, "a rule that fits a command fits an order");
assert(limits.commandSizeMax <= limits.commandPoolSize, "the largest command fits the pool");
assert(limits.replySizeMax <= limits.replyPoolSize, "the largest reply fits the pool");
assert(limits.replyPatienceMs > limits.orderAckWaitMs + limits.workerBirthWaitMs, "a client outwaits the supervisor");
assert(limits.rehearsalWaitMs > limits.workerBirthWaitMs, "a rehearsal outwaits the birth that is part of it");
assert(
  limits.takeoverPatienceMs > limits.rehearsalWaitMs + limits.workersMax * 2_000,
  "who asks for a takeover outwaits the births of all workers",
);
