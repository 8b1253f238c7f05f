// The Report room.
