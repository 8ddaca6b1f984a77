(() => {
  const box = document.getElementById("filter");
  const rows = [...document.querySelectorAll("table.instructions tbody tr")];
  const status = document.getElementById("filtered");
  box.closest("p").hidden = false;
  box.addEventListener("input", () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    status.textContent = words.length ? `${shown} of ${rows.length}` : "";
  });
})();
