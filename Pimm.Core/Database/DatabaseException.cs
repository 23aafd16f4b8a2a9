namespace Pimm.Core.Database;

/// <summary>The database could not do what was asked, and not because of the input. The message is one sentence for a person.</summary>
public sealed class DatabaseException(string sentence, bool isTransient, Exception inner) : Exception(sentence, inner)
{
    /// <summary>True when the same call may succeed later: no connection, a time-out, a deadlock.</summary>
    public bool IsTransient { get; } = isTransient;
}
