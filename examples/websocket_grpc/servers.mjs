/**
 * A WebSocket server and a gRPC server for demos. Each returns every message with its own port in front.
 * node servers.mjs <port for WebSocket> <port for gRPC>
 */
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";

/** Passes bytes unchanged, instead of messages of a .proto file. @param {Buffer} bytes */
const asIs = (bytes) => bytes;

/** The gRPC service: one method with streams in both directions. */
export const talk = {
  talk: {
    path: "/example.Echo/Talk",
    requestStream: true,
    responseStream: true,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
};

/**
 * @param {number} port on 127.0.0.1
 * @returns {Promise<WebSocketServer>} once it listens
 */
export function startWebSocketServer(port) {
  const server = new WebSocketServer({ host: "127.0.0.1", port });
  server.on("connection", (socket) => {
    socket.on("message", (message) => socket.send(`${port}: ${message}`));
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject).once("listening", () => resolve(server));
  });
}

/**
 * @param {number} port on 127.0.0.1
 * @returns {Promise<Server>} once it listens
 */
export function startGrpcServer(port) {
  const server = new Server();
  server.addService(talk, {
    talk(call) {
      call.on("data", (message) => call.write(Buffer.from(`${port}: ${message}`)));
      call.on("end", () => call.end());
    },
  });
  return new Promise((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (problem) =>
      problem === null ? resolve(server) : reject(problem),
    );
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [webSocketPort, grpcPort] = process.argv.slice(2).map(Number);
  await startWebSocketServer(webSocketPort);
  await startGrpcServer(grpcPort);
  console.log(`listening on 127.0.0.1:${webSocketPort} for WebSocket, on 127.0.0.1:${grpcPort} for gRPC`);
}
