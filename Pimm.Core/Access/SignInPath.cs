namespace Pimm.Core.Access;

/// <summary>What is to be done before a session begins.</summary>
public enum SignInStep
{
    /// <summary>Name, password or code are wrong, or the user is locked or deactivated.</summary>
    Refused,

    /// <summary>A code of the authenticator app.</summary>
    Code,

    /// <summary>A password of the user's own in the place of the one that was given.</summary>
    NewPassword,

    /// <summary>A second step, which a role of the user requires.</summary>
    SetUpTwoFactor,

    /// <summary>Nothing: the session may begin.</summary>
    Done,
}

/// <summary>The steps of a sign-in in their order.</summary>
public static class SignInPath
{
    /// <param name="codeGiven">the second step was passed in this sign-in</param>
    public static SignInStep Next(AppUser user, IEnumerable<string> roles, bool codeGiven, AccessOptions options) =>
        user.DeactivatedAt is not null ? SignInStep.Refused
        : user.TwoFactorEnabled && !codeGiven ? SignInStep.Code
        : user.MustChangePassword ? SignInStep.NewPassword
        : !user.TwoFactorEnabled && Requires(roles, options) ? SignInStep.SetUpTwoFactor
        : SignInStep.Done;

    public static bool Requires(IEnumerable<string> roles, AccessOptions options) => roles.Intersect(options.TwoFactorRoles()).Any();
}
