import { render } from "preact";
import { startEvents } from "./state/events";
import { startFeed } from "./state/feed";
import "./styles/index.css";
import { App } from "./views/app";

const place = document.getElementById("app");
if (place !== null) render(<App />, place);
startFeed();
startEvents();
