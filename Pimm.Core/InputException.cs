namespace Pimm.Core;

/// <summary>
/// The caller's arguments or data cannot be used. The message is one sentence for a person: what, value, bound, what to do.
/// The command line answers with exit code 2, a page shows the sentence, the HTTP API answers 400.
/// </summary>
public class InputException : Exception
{
    /// <summary>The code of something that exists already; the HTTP API answers 409.</summary>
    public const string Exists = "exists";

    public InputException(string sentence) : base(sentence) { }

    public InputException(string sentence, Exception inner) : base(sentence, inner) { }

    /// <summary>A stable word for programs, as those of Importing's ImportCode; null where none was given.</summary>
    public string? Code { get; init; }
}
