/**
 * A lint rule: `text?.length` of a string. TypeScriptToLua compiles it to a field of the string, which is
 * always nil; without the question mark it compiles to `#text`.
 */

/** Whether a member expression belongs to an optional chain, at its own `?.` or at an earlier one. */
function isInChain(node) {
  for (let part = node; part.type === "MemberExpression" || part.type === "CallExpression";) {
    if (part.optional) return true;
    part = part.type === "MemberExpression" ? part.object : part.callee;
  }
  return false;
}

/** @type {import("eslint").Rule.RuleModule} */
export const noOptionalStringLength = {
  meta: {
    type: "problem",
    messages: {
      absent: "In Lua this is always nil. Compare the string with undefined, then take its length.",
    },
    schema: [],
  },
  create(context) {
    const { program, esTreeNodeToTSNodeMap } = context.sourceCode.parserServices;
    const checker = program.getTypeChecker();
    return {
      'MemberExpression[computed=false][property.name="length"]'(node) {
        if (!isInChain(node)) return;
        const type = checker.getNonNullableType(
          checker.getTypeAtLocation(esTreeNodeToTSNodeMap.get(node.object)),
        );
        const isText = checker.isTypeAssignableTo(type, checker.getStringType());
        if (isText) context.report({ node, messageId: "absent" });
      },
    };
  },
};
