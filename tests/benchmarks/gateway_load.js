// Load on a gateway, by k6: an open model, so that a slow answer does not slow the asking down.
//   k6 run -e URL=http://127.0.0.1:8000 -e KEY=… -e RATE=300 -e BATCH=100 -e SECONDS=20 -e OUT=load.json gateway_load.js
// RATE requests a second of BATCH events each (BATCH=1: single events on /v1/track), over ACCOUNTS accounts.
import encoding from "k6/encoding";
import exec from "k6/execution";
import http from "k6/http";
import { Counter } from "k6/metrics";

const RATE = Number(__ENV.RATE || 300);
const BATCH = Number(__ENV.BATCH || 100);
const SECONDS = Number(__ENV.SECONDS || 20);
const ACCOUNTS = Number(__ENV.ACCOUNTS || 100000);
const RUN = __ENV.RUN || `${Date.now()}`; // part of each id: a second run sends other events
const PATH = BATCH === 1 ? "/v1/track" : "/v1/batch";
const HEADERS = {
  "Content-Type": "application/json",
  Authorization: `Basic ${encoding.b64encode(`${__ENV.KEY}:`)}`,
};
const accepted = new Counter("events_accepted");

export const options = {
  discardResponseBodies: true,
  summaryTrendStats: ["min", "med", "p(95)", "p(99)", "max"],
  scenarios: {
    load: {
      executor: "constant-arrival-rate",
      rate: RATE,
      timeUnit: "1s",
      duration: `${SECONDS}s`,
      preAllocatedVUs: Math.min(400, Math.max(20, RATE)),
      maxVUs: 800,
    },
  },
};

function track(number) {
  const account = Math.floor(Math.random() * ACCOUNTS);
  return {
    type: "track",
    messageId: `${RUN}-${number}`,
    userId: `person-${account}`,
    event: `Event ${number % 60}`,
    timestamp: new Date().toISOString(),
    properties: { number, plan: "pro" },
    context: { groupId: `account-${account}` },
  };
}

export default function () {
  const first = exec.scenario.iterationInTest * BATCH;
  const calls = Array.from({ length: BATCH }, (_, at) => track(first + at));
  const body = BATCH === 1 ? calls[0] : { batch: calls, sentAt: new Date().toISOString() };
  const answer = http.post(`${__ENV.URL}${PATH}`, JSON.stringify(body), { headers: HEADERS });
  if (answer.status === 200) accepted.add(BATCH);
}

export function handleSummary(data) {
  const of = (name, stat) => (data.metrics[name] ? data.metrics[name].values[stat] : 0);
  const told = {
    events_accepted: of("events_accepted", "count"),
    events_per_second: of("events_accepted", "count") / SECONDS,
    requests: of("http_reqs", "count"),
    failed_share: of("http_req_failed", "rate"),
    dropped_iterations: of("dropped_iterations", "count"),
    milliseconds: {
      median: of("http_req_duration", "med"),
      p95: of("http_req_duration", "p(95)"),
      p99: of("http_req_duration", "p(99)"),
      most: of("http_req_duration", "max"),
    },
  };
  const text = `${JSON.stringify(told, null, 2)}\n`;
  return __ENV.OUT ? { [__ENV.OUT]: text } : { stdout: text };
}
