// Segment's client for Node, told to say a tale: node say.cjs BUNDLE URL KEY FILE. Beside clients.py.
const [bundle, host, writeKey, file] = process.argv.slice(2);
const { Analytics } = require(bundle);
const { readFileSync } = require("node:fs");

const client = new Analytics({ host, writeKey, flushAt: 15, flushInterval: 50, httpRequestTimeout: 5000 });
let complaints = 0;
client.on("error", (error) => {
  complaints += 1;
  console.error(error);
});

for (const line of readFileSync(file, "utf8").split("\n")) {
  const deed = JSON.parse(line);
  const common = {
    userId: deed.person,
    messageId: deed.id,
    timestamp: new Date(deed.at),
    context: { groupId: deed.account },
  };
  if (deed.kind === "track") client.track({ ...common, event: deed.name, properties: deed.values });
  if (deed.kind === "identify") client.identify({ ...common, traits: deed.values });
  if (deed.kind === "group") client.group({ ...common, groupId: deed.account, traits: deed.values });
}

client.closeAndFlush({ timeout: 60000 }).then(() => process.exit(complaints ? 1 : 0));
