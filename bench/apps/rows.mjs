/** How many paths the scenario of ordered tables asks for, and rows its large table has. */
export const ROWS = 1000;
