import { orderBy } from "lodash";
import { z } from "zod";

export const NewNote = z.object({
  title: z.string().min(1).max(200),
  text: z.string().max(10_000).default(""),
  tags: z.array(z.string()).max(10).default([]),
});

export type Note = z.infer<typeof NewNote> & { id: number; created: string };

/** Notes by id, in memory. */
export class Notebook {
  private readonly notes = new Map<number, Note>();
  private next = 1;

  add(input: z.infer<typeof NewNote>): Note {
    const note = { ...input, id: this.next++, created: new Date().toISOString() };
    this.notes.set(note.id, note);
    return note;
  }

  get(id: number): Note | undefined {
    return this.notes.get(id);
  }

  remove(id: number): boolean {
    return this.notes.delete(id);
  }

  list(tag?: string): Note[] {
    const all = [...this.notes.values()];
    return orderBy(tag ? all.filter((n) => n.tags.includes(tag)) : all, "id", "desc");
  }
}
