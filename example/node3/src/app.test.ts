import assert from "node:assert/strict";
import request from "supertest";

import { createApp } from "./app";

describe("notes", () => {
  it("keeps what it is given", async () => {
    const app = createApp();
    const made = await request(app).post("/notes").send({ title: "milk", tags: ["shop"] });
    assert.equal(made.status, 201);
    const found = await request(app).get("/notes?tag=shop");
    assert.deepEqual(found.body.map((n: { title: string }) => n.title), ["milk"]);
  });

  it("refuses a note without a title", async () => {
    const answer = await request(createApp()).post("/notes").send({});
    assert.equal(answer.status, 400);
  });
});
