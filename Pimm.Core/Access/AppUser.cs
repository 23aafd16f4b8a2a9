namespace Pimm.Core.Access;

/// <summary>
/// A person who signs in. A class with setters, because ASP.NET Core Identity changes a user through its store and then saves it.
/// </summary>
public sealed class AppUser
{
    public long Id { get; set; }

    public string UserName { get; set; } = "";

    public string NormalizedUserName { get; set; } = "";

    public string? PasswordHash { get; set; }

    public string SecurityStamp { get; set; } = "";

    public int AccessFailedCount { get; set; }

    public DateTimeOffset? LockoutEnd { get; set; }

    public int Version { get; set; }

    public bool TwoFactorEnabled { get; set; }

    /// <summary>Sealed; see <see cref="AuthenticatorKeys"/>.</summary>
    public byte[]? AuthenticatorKey { get; set; }

    /// <summary>Somebody else knows the password.</summary>
    public bool MustChangePassword { get; set; }

    public DateTimeOffset? DeactivatedAt { get; set; }
}

/// <summary>One of the four rows of app_role.</summary>
public sealed class AppRole
{
    public int Id { get; set; }

    public string Name { get; set; } = "";

    public string NormalizedName { get; set; } = "";
}
