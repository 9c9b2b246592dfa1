// The token of a packet link stands after the #: it goes from there into the form, and out of the address.
const field = document.getElementById("token");
const token = location.hash.slice(1);
if (token) {
  field.value = token;
  history.replaceState(null, "", location.pathname + location.search);
}
if (field.value) {
  document.getElementById("by-hand").hidden = true;
  document.getElementById("birth_date").focus();
}
