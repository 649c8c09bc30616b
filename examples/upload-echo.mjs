// Uploads: a body as a stream, whatever its length, and the files of a form.
//
//   npx millrace examples/upload-echo.mjs
//   curl -T big.iso http://127.0.0.1:3000/echo > copy.iso
//   curl -T big.iso http://127.0.0.1:3000/count
//   curl -F file=@photo.jpg http://127.0.0.1:3000/form

export default {
  routes: {
    // The body goes back as it comes: a slow reader slows the sender, and memory stays flat.
    "/echo": {
      PUT: echo,
      POST: echo,
    },
    "/count": {
      PUT: count,
      POST: count,
    },
    // formData() reads the whole body, so bodyBytesMax limits it (1 MiB unless set).
    "/form": {
      async POST(request) {
        const form = await request.formData();
        const files = [...form.entries()]
          .filter(([, value]) => typeof value !== "string")
          .map(([field, file]) => ({ field, name: file.name, bytes: file.size }));
        return Response.json(files);
      },
    },
  },
};

function echo(request) {
  const type = request.headers.get("content-type") ?? "application/octet-stream";
  return new Response(request.body, { headers: { "content-type": type } });
}

async function count(request) {
  let bytes = 0;
  for await (const chunk of request.body ?? []) bytes += chunk.byteLength;
  return Response.json({ bytes });
}
