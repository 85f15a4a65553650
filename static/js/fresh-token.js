// Whoever signs in beside this page gets a new token against forged requests; the forms of this page still hold the old.
document.addEventListener("htmx:configRequest", (event) => {
  const { parameters } = event.detail;
  const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];
  if (token && parameters.csrfmiddlewaretoken) parameters.csrfmiddlewaretoken = token;
});
