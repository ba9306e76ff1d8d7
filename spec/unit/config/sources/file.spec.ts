import { accept_each, refuse_each } from "../../support/discovery";

describe("discovery.file", () => {
  accept_each("file", [[{ path: "/etc/app.json" }]]);

  refuse_each("file", [
    [{}, 'invalid "discovery.file.path": must be given'],
    [{ path: "a.json" }, 'invalid "discovery.file.path": must begin with "/"'],
    [{ path: 7 }, 'invalid "discovery.file.path": must begin with "/"'],
    [
      { path: `/${string.rep("x", 1024)}` },
      'invalid "discovery.file.path": must not be longer than 1024 bytes',
    ],
  ]);
});
