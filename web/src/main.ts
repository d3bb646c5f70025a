// SPDX-License-Identifier: Apache-2.0
import { mount } from "svelte";
import App from "./App.svelte";
import "./app.css";
/* The styles of what nearly every screen is made of come with the frame: alone, each costs more to ask for than it
 * weighs. Scripts that do something when they are loaded come along. */
import "./lib/ui/Bar.svelte";
import "./lib/ui/Page.svelte";
import "./lib/ui/Panel.svelte";
import "./lib/ui/StateMark.svelte";
import "./lib/ui/Term.svelte";

mount(App, { target: document.getElementById("app")! });
