namespace Pimm.Core.Operating;

/// <summary>How well one thing is: warning asks for a look, failing for help.</summary>
public enum HealthLevel { Ok, Warning, Failing }

/// <summary>One thing looked at.</summary>
/// <param name="Note">what was found, or what to do</param>
public sealed record HealthFinding(string Name, HealthLevel Level, string Note)
{
    public static HealthFinding Ok(string name, string note) => new(name, HealthLevel.Ok, note);

    public static HealthFinding Warning(string name, string note) => new(name, HealthLevel.Warning, note);

    public static HealthFinding Failing(string name, string note) => new(name, HealthLevel.Failing, note);
}
