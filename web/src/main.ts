// SPDX-License-Identifier: Apache-2.0
import { mount } from "svelte";
import App from "./App.svelte";
import "./app.css";
/* What nearly every screen is made of comes with the frame: alone, each costs more to ask for than it weighs. */
import "./lib/ui/Bar.svelte";
import "./lib/ui/Page.svelte";
import "./lib/ui/Panel.svelte";
import "./lib/ui/StateMark.svelte";
import "./lib/ui/Term.svelte";

mount(App, { target: document.getElementById("app")! });
