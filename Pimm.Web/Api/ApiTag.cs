using Pimm.Core;

namespace Pimm.Web.Api;

/// <summary>ETags: what a caller has read, so that nobody overwrites what somebody else changed.</summary>
public static class ApiTag
{
    public static string Quote(string tag) => $"\"{tag}\"";

    public static void Set(HttpContext context, string tag) => context.Response.Headers.ETag = Quote(tag);

    /// <exception cref="InputException">several tags, a weak one or "*": a change names the one state that it was made from</exception>
    public static string Parse(string ifMatch) =>
        ifMatch.Trim() is ['"', .. { Length: > 0 } tag, '"'] && !tag.Contains('"')
            ? tag
            : throw new InputException($"If-Match is {ifMatch}: give the one ETag that GET answered, with its quotation marks.");
}
