/** @file The page of `grappa ui` begins here. */
import "report:style.css";
import "./style/tokens.css";
import "./style/base.css";
import "./style/shell.css";
import "./style/parts.css";
import "./style/funnel.css";
import "./style/traces.css";
import "./style/answers.css";
import "./style/chat.css";
import { render } from "preact";
import { takeToken } from "./api/token.ts";
import { App } from "./app.tsx";
import { applyTheme, readTheme } from "./theme.ts";

takeToken();
applyTheme(readTheme());
const place = document.getElementById("page");
if (place !== null) render(<App />, place);
