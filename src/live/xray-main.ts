/** @file Entry of the script inside an x-ray page. */
import { startXrayPage } from "./xray-page.ts";

startXrayPage();
