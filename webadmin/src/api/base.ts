/** Where the engine is, seen from the page: addresses are relative, a proxy may put a path before them. */
export const ENGINE = new URL("../", document.baseURI).href;
export const API = `${ENGINE}api`;
