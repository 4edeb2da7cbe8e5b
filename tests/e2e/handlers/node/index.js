// A handler as a user writes one for Lambda's Node runtime.
exports.handler = async (event, context) => {
  console.log(`run ${context.awsRequestId} of ${context.functionName}`);
  if (event.fail) throw new RangeError("as asked");
  return { doubled: event.number * 2, remaining: context.getRemainingTimeInMillis() > 0 };
};
