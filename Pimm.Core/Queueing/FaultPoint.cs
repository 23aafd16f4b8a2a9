namespace Pimm.Core.Queueing;

/// <summary>
/// Named lines between two effects, where a test breaks the process to see that nothing is lost or doubled. The product sets no
/// listener: there a point is one comparison with null.
/// </summary>
public static class FaultPoint
{
    /// <summary>Set by the tests' own worker before it starts; null everywhere else.</summary>
    public static Action<string>? Listener { get; set; }

    /// <param name="name">the stage's verb, a dot, what has just been done: <c>score.shard-copied</c></param>
    public static void Reach(string name) => Listener?.Invoke(name);
}
