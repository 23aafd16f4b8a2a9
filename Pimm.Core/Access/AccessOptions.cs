namespace Pimm.Core.Access;

/// <summary>Settings section "Access".</summary>
public sealed class AccessOptions
{
    public const string Section = "Access";

    /// <summary>Shortest password in characters. Default 12, range 8 to 128. No rule about kinds of characters.</summary>
    public int PasswordLength { get; set; } = 12;

    /// <summary>Wrong passwords in a row before the account is locked. Default 5, range 3 to 100.</summary>
    public int AttemptsBeforeLockout { get; set; } = 5;

    /// <summary>How long a locked account stays locked, in minutes. Default 15, range 1 to 1,440.</summary>
    public int LockoutMinutes { get; set; } = 15;

    /// <summary>A session without a click ends after this many hours. Default 8, range 1 to 72.</summary>
    public int SessionHours { get; set; } = 8;

    /// <summary>Sign-in attempts a minute from one address before it is asked to wait. Default 30, range 5 to 10,000.</summary>
    public int AttemptsPerMinute { get; set; } = 30;

    /// <summary>
    /// Roles whose people need a second step at sign-in, with commas between, or "none". Who has none yet sets it up at the next
    /// sign-in. Default "none".
    /// </summary>
    public string RequireTwoFactor { get; set; } = None;

    private const string None = "none";

    /// <summary>The roles that <see cref="RequireTwoFactor"/> names.</summary>
    /// <exception cref="InputException">There is no such role.</exception>
    public IReadOnlyList<string> TwoFactorRoles() => RequireTwoFactor.Trim() is "" or None ? []
        : [.. RequireTwoFactor.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(Roles.Named)];

    /// <exception cref="InputException">A value is outside its range.</exception>
    public void Validate()
    {
        _ = TwoFactorRoles();
        Check(nameof(PasswordLength), PasswordLength, 8, 128);
        Check(nameof(AttemptsBeforeLockout), AttemptsBeforeLockout, 3, 100);
        Check(nameof(LockoutMinutes), LockoutMinutes, 1, 1440);
        Check(nameof(SessionHours), SessionHours, 1, 72);
        Check(nameof(AttemptsPerMinute), AttemptsPerMinute, 5, 10_000);
    }

    private static void Check(string name, int value, int least, int most)
    {
        if (value < least || value > most)
        {
            throw new InputException($"The setting {Section}:{name} is {value}; it must lie between {least} and {most}.");
        }
    }
}
