(() => {
  const form = document.getElementById("filter");
  const field = (id) => document.getElementById(id);
  const cases = [...document.querySelectorAll(".case")].map((element) => ({
    element,
    text: element.textContent.toLowerCase(),
    group: element.closest(".group"),
    section: element.closest("section"),
  }));
  const groups = [...document.querySelectorAll(".group, section.cases")];
  const value = (id) => (field(id) ? field(id).value : "");
  const filter = () => {
    const words = value("search").toLowerCase().split(/\s+/).filter(Boolean);
    const [machine, engine] = [value("machine"), value("engine")];
    const verdicts = new Set(
      [...form.querySelectorAll("[name=verdict]:checked")].map((box) => box.value));
    const counts = new Map(groups.map((group) => [group, 0]));
    let shown = 0;
    for (const { element, text, group, section } of cases) {
      const data = element.dataset;
      const fits = verdicts.has(data.verdict) && (!machine || data.machine === machine) &&
        (!engine || data.engine === engine) && words.every((word) => text.includes(word));
      element.hidden = !fits;
      if (!fits) continue;
      shown += 1;
      counts.set(section, counts.get(section) + 1);
      if (group) counts.set(group, counts.get(group) + 1);
    }
    for (const [group, count] of counts) {
      group.hidden = count === 0;
      group.querySelector(".count").textContent = count;
      if (words.length && group.tagName === "DETAILS") group.open = count > 0 && count <= 200;
    }
    field("shown").textContent = `${shown} of ${cases.length}`;
  };
  // A link to a case that is folded or filtered out shows it.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target || !target.matches(".case")) return;
    if (target.hidden) { form.reset(); filter(); }
    target.open = true;
    target.scrollIntoView();
  };
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", reveal);
  filter();
  reveal();
})();
