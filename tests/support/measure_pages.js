// Loads each page into a frame, changes the width of the frame, and sends what is wrong to the server.
const widths = WIDTHS, pages = PAGES, found = [];
const tex = /\\(?:[a-zA-Z]{2,}|[,;{}])|\$[^$\n]*[\\_^][^$\n]*\$/;
const words = node => node.textContent.replace(/\s+/g, " ").trim().slice(0, 60);
const pause = () => new Promise(done => setTimeout(done, 30));
const name = node => node.tagName.toLowerCase() + (node.className && node.className.baseVal === undefined
    ? "." + String(node.className).trim().split(/\s+/).join(".") : "");

function shown(node, view) {
  const style = view.getComputedStyle(node), box = node.getBoundingClientRect();
  return style.visibility !== "hidden" && style.display !== "none" && box.width > 0 && box.height > 0;
}

function drawer(node) {  // hidden outside of the window until a button opens it
  return node.closest(".sidebar-drawer, .toc-drawer, .mobile-header, .visually-hidden") !== null;
}

function wide(document, view) {
  const problems = [];
  if (document.documentElement.scrollWidth > view.innerWidth + 1) problems.push("the page scrolls");
  for (const node of document.body.querySelectorAll("*")) {
    if (!shown(node, view) || drawer(node)) continue;
    const overflow = view.getComputedStyle(node).overflowX;
    if (["auto", "scroll"].includes(overflow) && node.scrollWidth > node.clientWidth + 1)
      problems.push(`${name(node)} scrolls: ${words(node)}`);
    const box = node.getBoundingClientRect();
    if (box.right > view.innerWidth + 1 || box.left < -1)
      problems.push(`${name(node)} is cut off: ${words(node)}`);
  }
  return problems.slice(0, 5);
}

function texts(document) {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), problems = [];
  for (let node; (node = walker.nextNode());) {
    const parent = node.parentElement;
    if (parent.closest("pre, code, script, style, noscript, .sig, math")) continue;
    if (tex.test(node.data)) problems.push(`raw TeX: ${node.data.trim().slice(0, 80)}`);
  }
  for (const math of document.querySelectorAll("math"))
    if (/[\\$]/.test(math.textContent)) problems.push(`raw TeX: ${math.textContent.slice(0, 80)}`);
  return problems;
}

async function images(document, view) {
  const problems = [];
  for (const image of document.images) {
    image.loading = "eager";
    await image.decode().catch(() => {});
    if (!image.complete || image.naturalWidth === 0) problems.push(`no image: ${image.src.slice(0, 80)}`);
    if (!image.alt && shown(image, view) && !drawer(image)) problems.push(`no alternative text: ${image.src.slice(0, 80)}`);
  }
  return problems;
}

async function main() {
  const frame = document.getElementById("frame");
  for (const page of pages) {
    frame.style.width = widths[0] + "px";
    await new Promise(done => { frame.onload = done; frame.src = page; });
    const view = frame.contentWindow, inside = frame.contentDocument;
    await inside.fonts.ready;
    for (const problem of [...texts(inside), ...await images(inside, view)]) found.push({page, problem});
    for (const width of widths) {
      frame.style.width = width + "px";
      await pause();
      if (view.innerWidth !== width) found.push({page, problem: `the frame is ${view.innerWidth} wide`});
      for (const problem of wide(inside, view)) found.push({page, problem: `at ${width} px: ${problem}`});
    }
  }
  await fetch("/-/found", {method: "POST", body: JSON.stringify(found)});
}

main().catch(error => fetch("/-/found", {method: "POST",
  body: JSON.stringify([{page: "", problem: `the measurement failed: ${error}`}])}));
