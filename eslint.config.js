import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["**/dist/**", "**/node_modules/**", ".coffer/**"] },
  ...tseslint.configs.recommended.map((c) => ({ ...c, files: ["**/*.ts"] })),
  {
    files: ["**/*.ts"],
    rules: {
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/consistent-type-imports": "error",
      "no-restricted-syntax": [
        "error",
        { selector: "TSEnumDeclaration", message: "Use an `as const` table." },
        { selector: "ExportDefaultDeclaration", message: "Use named exports." },
      ],
    },
  },
  {
    // The protocol is a function of its inputs: time, chance, disk and network come in from outside.
    files: ["packages/raft/src/core/**/*.ts"],
    ignores: ["**/*.test.ts"],
    rules: {
      "no-restricted-imports": ["error", { patterns: ["node:*", "../log/*", "../transport/*", "../host/*", "../snapshot/*", "../simulation/*"] }],
      "no-restricted-globals": ["error", "Date", "setTimeout", "setInterval", "setImmediate", "queueMicrotask", "process", "Buffer", "performance", "Promise"],
      "no-restricted-properties": ["error", { object: "Math", property: "random" }],
      "no-restricted-syntax": [
        "error",
        { selector: "TSEnumDeclaration", message: "Use an `as const` table." },
        { selector: "ExportDefaultDeclaration", message: "Use named exports." },
        { selector: ":function[async=true]", message: "The core is synchronous." },
      ],
    },
  },
);
