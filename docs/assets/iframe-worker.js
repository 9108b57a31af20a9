// A page from a folder may not start a worker, which the search needs: there, a frame of the same page takes its place.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      const frame = document.createElement("iframe")
      frame.hidden = true
      frame.srcdoc = "<!doctype html>"
      this.ready = new Promise(resolve => {
        frame.onload = () => {
          const inside = frame.contentWindow, script = inside.document.createElement("script")
          inside.postMessage = data => this.dispatchEvent(new MessageEvent("message", {data}))
          inside.importScripts = (...files) => files.forEach(file => {
            const other = inside.document.createElement("script")
            other.src = new URL(file, url)
            inside.document.body.append(other)
          })
          script.onload = () => resolve(inside)
          script.src = url
          inside.document.body.append(script)
        }
      })
      document.body.append(frame)
    }
    postMessage(data) {
      this.ready.then(inside => inside.dispatchEvent(new MessageEvent("message", {data})))
    }
    terminate() {}
  }
}
