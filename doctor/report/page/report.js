"use strict";
// A button for every text to paste; without this script the texts are there all the same.
for (const text of document.querySelectorAll("pre.paste")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "copy";
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
    } catch {
      getSelection().selectAllChildren(text);
      document.execCommand("copy");
    }
    button.textContent = "copied";
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  };
  const frame = document.createElement("div");
  frame.className = "copy";
  text.replaceWith(frame);
  frame.append(text, button);
}
