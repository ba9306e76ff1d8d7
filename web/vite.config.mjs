/**
 * The configuration of Vite for the dashboard. `npx vite web` serves the sources at
 * http://127.0.0.1:5173/api/dashboard, with the data of the gateway of `npm start`.
 */
import { defineConfig } from "vite";

/** The API of the gateway that supplies the data. */
const gateway = process.env.SLUICE_API ?? "http://127.0.0.1:8081";

export default defineConfig({
  root: import.meta.dirname,
  server: {
    host: "127.0.0.1",
    proxy: {
      "^/api/dashboard/?$": {
        target: "http://127.0.0.1:5173",
        rewrite: () => "/",
      },
      "/api": gateway,
    },
  },
  build: {
    target: ["chrome111", "firefox114", "safari16.4"],
    modulePreload: false,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    reportCompressedSize: false,
  },
});
