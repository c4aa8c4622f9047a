import express, { type Express, type NextFunction, type Request, type Response } from "express";
import helmet from "helmet";
import { ZodError } from "zod";

import { NewNote, Notebook } from "./notes";

export function createApp(notebook = new Notebook()): Express {
  const app = express();
  app.use(helmet(), express.json({ limit: "64kb" }));

  app.get("/healthz", (_req, res) => {
    res.json({ status: "ok" });
  });

  app.get("/notes", (req, res) => {
    const tag = typeof req.query.tag === "string" ? req.query.tag : undefined;
    res.json(notebook.list(tag));
  });

  app.post("/notes", (req, res) => {
    res.status(201).json(notebook.add(NewNote.parse(req.body)));
  });

  app.get("/notes/:id", (req, res) => {
    const note = notebook.get(Number(req.params.id));
    if (note) res.json(note);
    else res.status(404).json({ error: "no such note" });
  });

  app.delete("/notes/:id", (req, res) => {
    res.status(notebook.remove(Number(req.params.id)) ? 204 : 404).end();
  });

  app.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
    if (error instanceof ZodError) res.status(400).json({ error: error.issues });
    else next(error);
  });
  return app;
}
