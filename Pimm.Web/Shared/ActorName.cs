namespace Pimm.Web.Shared;

/// <summary>Who did something, as pages write it.</summary>
public static class ActorName
{
    /// <summary>user:ada → ada; a run, a key or a command line says which it is.</summary>
    public static string Of(string? actor) => actor switch
    {
        null => "–",
        ['u', 's', 'e', 'r', ':', .. var name] => name,
        ['c', 'l', 'i', ':', .. var name] => $"{name} (./pimm)",
        _ => actor.Replace(":", " ", StringComparison.Ordinal),
    };
}
