// Runs before anything is shown: the theme that was chosen last, and that there is a script at all.
document.documentElement.dataset.script = "on";
try {
  const theme = localStorage.getItem("cf-theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch { /* A browser may keep nothing for files. */ }
