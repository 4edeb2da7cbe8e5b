// fauxqs on loopback alone: fauxqs_server.mjs PORT.
import { buildApp } from "fauxqs";

await buildApp({ logger: false }).listen({ port: Number(process.argv[2]), host: "127.0.0.1" });
