const { version, mode } = await (await fetch("/console/config.json")).json();
document.querySelector("#console").textContent = `Strongroom ${version}: ${mode}`;
