import { render } from "preact";
import "./styles/base.css";

const place = document.getElementById("app");
if (place !== null) render(<p>Sluice</p>, place);
